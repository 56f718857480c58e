"""One to ten as people choose an option by it, in twenty languages: "two", "la segunda", "दूसरा", "第二个", "last".

``NUMBERS`` has a row for each number; a ``+`` joins the words of one phrase. Words that are something commoner in another
language (``do``, ``hai``, ``sei``) stand only in a phrase. ``BESIDE``: words around a number that change nothing.
"""

from __future__ import annotations

from wabox.nlu.utterances import tokens

NUMBERS = (
    """one first 1st uno una un primero primera primer 1o 1a 1ero 1era um uma primeiro primeira واحد الأول الاول
    الأولى الاولى أول اول أولى awwal alawwal wa7ed एक पहला पहली पहले पहिला पहिली पहिले ek pehla pehli pehle
    pahla pahli pahila pahili satu pertama kesatu premier première 1er 1ère 1ere eins erste erster erstes ersten
    bir ilk birinci ilki birincisi ایک پہلا پہلی پہلے এক প্রথম একটা প্রথমটা প্রথমটি পহেলা prothom prothomta ekta
    moja kwanza primo prima один одна первый первая первое первую 一 第一 一个 第一个 首个 一号 第一项 选一 một
    thứ+nhất đầu+tiên
    cái+đầu+tiên หนึ่ง ที่หนึ่ง อันที่หนึ่ง อันแรก แรก ข้อแรก ข้อหนึ่ง isa una+po pangauna ஒன்று முதல் முதலாவது
    onnu mudhal ఒకటి మొదటి మొదటిది okati modati modatidi એક પહેલો પહેલી પહેલું pehlo pehlu""",
    """two second 2nd dos segundo segunda 2o 2a dois duas اثنان اثنين ثاني الثاني الثانية ثانية تاني التاني التانية
    tani altani tnein दो दूसरा दूसरी दूसरे दुसरा दुसरी दुसरे दोन doosra doosri doosre dusra dusri dusre dua
    kedua deux deuxième 2ème 2eme seconde zwei zweite zweiter zweites zweiten iki ikinci ikincisi دو دوسرا دوسری
    دوسرے দুই দ্বিতীয় দুইটা দ্বিতীয়টা দ্বিতীয়টি ditio ditiyo dui mbili pili wa+pili ya+pili due secondo
    seconda два две второй вторая второе вторую 二 两 第二 第二个 两个 二号 第二项 选二 thứ+hai số+hai cái+thứ+hai สอง ที่สอง
    อันที่สอง ข้อสอง dalawa pangalawa ikalawa இரண்டு இரண்டாவது rendu rendavathu randavathu రెండు రెండో రెండవ
    రెండోది rendu rendo rendava બે બીજો બીજી બીજું bijo biji""",
    """three third 3rd tres tercero tercera tercer 3o 3a três terceiro terceira ثلاثة ثلاث ثالث الثالث الثالثة تالت
    التالت talet तीन तीसरा तीसरी तीसरे तिसरा तिसरी तिसरे teen teesra teesri teesre tisra tisri tiga ketiga trois
    troisième 3ème 3eme drei dritte dritter drittes dritten üç üçüncü üçüncüsü تین تیسرا تیسری تیسرے তিন তৃতীয়
    তিনটা তৃতীয়টা তৃতীয়টি tritio tin tatu wa+tatu ya+tatu tre terzo terza три третий третья третье третью 三 第三
    第三个 三个 三号 第三项 选三 ba thứ+ba số+ba cái+thứ+ba สาม ที่สาม อันที่สาม ข้อสาม tatlo pangatlo ikatlo மூன்று
    மூன்றாவது moonu moonavathu మూడు మూడో మూడవ మూడోది moodu moodo ત્રણ ત્રીજો ત્રીજી ત્રીજું tran trijo""",
    """four fourth 4th cuatro cuarto cuarta 4o 4a quatro quarto quarta أربعة اربعة أربع رابع الرابع الرابعة चार
    चौथा चौथी चौथे chaar chautha chauthi empat keempat quatre quatrième 4ème 4eme vier vierte vierter viertes
    vierten dört dördüncü dördüncüsü چار چوتھا چوتھی چوتھے চার চতুর্থ চারটা চতুর্থটা char nne wa+nne ya+nne
    quattro четыре четвертый четвертая четвёртый четвёртая четвертую 四 第四 第四个 四个 四号 第四项 选四 bốn thứ+tư số+bốn
    cái+thứ+tư สี่ ที่สี่ อันที่สี่ ข้อสี่ apat pangapat ikaapat நான்கு நாலு நான்காவது naalu naangu నాలుగు
    నాలుగో నాలుగవ naalugu nalugu ચોથો ચોથી ચોથું chotho""",
    """five fifth 5th cinco quinto quinta 5o 5a خمسة خمس خامس الخامس الخامسة पाँच पांच पाँचवाँ पांचवां पांचवी पाच
    पाचवा पाचवी paanch panch paanchva panchva lima kelima cinq cinquième 5ème 5eme fünf fünfte fünfter fünftes
    fünften beş beşinci beşincisi پانچ پانچواں پانچویں পাঁচ পঞ্চম পাঁচটা tano wa+tano ya+tano cinque пять пятый
    пятая пятую 五 第五 第五个 五个 五号 第五项 选五 thứ+năm số+năm cái+thứ+năm ห้า ที่ห้า อันที่ห้า ข้อห้า panglima ikalima
    ஐந்து அஞ்சு ஐந்தாவது anju aindhu ఐదు ఐదో ఐదవ aidu પાંચ પાંચમો પાંચમી પાંચમું""",
    """six sixth 6th seis sexto sexta 6o 6a ستة ست سادس السادس السادسة छह छः छठा छठी सहा सहावा chhah chhe chhatha
    enam keenam sixième 6ème 6eme sechs sechste sechster sechstes sechsten altı altıncı altıncısı چھ چھٹا چھٹی
    ছয় ষষ্ঠ choy sita wa+sita ya+sita sesto sesta шесть шестой шестая шестую 六 第六 第六个 六个 六号 第六项 sáu thứ+sáu
    số+sáu หก ที่หก อันที่หก ข้อหก anim panganim ikaanim ஆறு ஆறாவது aaru ఆరు ఆరో ఆరవ aaru છ છઠ્ઠો""",
    """seven seventh 7th siete septimo septima 7o 7a sete sétimo sétima سبعة سبع سابع السابع السابعة सात सातवाँ
    सातवां सातवी सातवा saat saatva tujuh ketujuh sept septième 7ème 7eme sieben siebte siebter siebtes siebten
    yedi yedinci yedincisi سات ساتواں ساتویں সাত সপ্তম shaat saba wa+saba ya+saba sette settimo settima семь
    седьмой седьмая 七 第七 第七个 七个 七号 第七项 bảy thứ+bảy số+bảy เจ็ด ที่เจ็ด ข้อเจ็ด pito pampito ikapito ஏழு ஏழாவது
    ezhu ఏడు ఏడో ఏడవ edu સાત સાતમો""",
    """eight eighth 8th ocho octavo octava 8o 8a oito oitavo oitava ثمانية ثمان ثامن الثامن الثامنة आठ आठवाँ आठवां
    आठवी आठवा aath aathva delapan lapan kedelapan kelapan huit huitième 8ème 8eme acht achte achter achtes
    achten sekiz sekizinci sekizincisi آٹھ آٹھواں আট অষ্টম aat nane wa+nane ya+nane otto ottavo ottava восемь
    восьмой восьмая 八 第八 第八个 八个 八号 第八项 tám thứ+tám số+tám แปด ที่แปด ข้อแปด walo pangwalo ikawalo எட்டு எட்டாவது
    ettu ఎనిమిది ఎనిమిదో enimidi આઠ આઠમો""",
    """nine ninth 9th nueve noveno novena 9o 9a nove nono nona تسعة تسع تاسع التاسع التاسعة नौ नौवाँ नौवां नऊ नववा
    nau nauva sembilan kesembilan neuf neuvième 9ème 9eme neun neunte neunter neuntes neunten dokuz dokuzuncu
    dokuzuncusu نو نواں নয়টা নবম noy tisa wa+tisa ya+tisa девять девятый девятая 九 第九 第九个 九个 九号 第九项 chín
    thứ+chín số+chín เก้า ที่เก้า ข้อเก้า siyam pangsiyam ikasiyam ஒன்பது ஒன்பதாவது onbadhu తొమ్మిది తొమ్మిదో
    tommidi નવ નવમો""",
    """ten tenth 10th diez decimo decima 10o 10a dez عشرة عشر عاشر العاشر العاشرة दस दसवाँ दसवां दहा दहावा dus
    dasva sepuluh kesepuluh dix dixième 10ème 10eme zehn zehnte zehnter zehntes zehnten onuncu onuncusu دس دسواں
    দশ দশম dosh kumi wa+kumi ya+kumi dieci десять десятый десятая 十 第十 第十个 十个 十号 第十项 mười thứ+mười số+mười สิบ
    ที่สิบ ข้อสิบ sampu pangsampu ikasampu பத்து பத்தாவது pathu పది పదో padi દસ દસમો""",
)

LAST = """last ultimo ultima último última الأخير الاخير الأخيرة الاخيرة آخر+واحد اخر+واحد akhir alakheer आखिरी आख़िरी
    अंतिम शेवटचा शेवटची शेवटचे aakhri akhri aakhiri terakhir dernier dernière letzte letzter letztes letzten son
    sonuncu sonuncusu آخری শেষ শেষেরটা শেষটা sheshta mwisho wa+mwisho ya+mwisho ultimo последний последняя
    последнее последнюю 最后 最后一个 最後 最後一個 cuối cuối+cùng cái+cuối cái+cuối+cùng สุดท้าย อันสุดท้าย ข้อสุดท้าย huli
    panghuli pinakahuli கடைசி kadaisi చివరి చివరిది chivari છેલ્લો છેલ્લી છેલ્લું chello"""

BESIDE = """the option number please pls answer choice choose pick select take give me i want ill nr num no° el la lo
    los las opcion número numero respuesta por favor porfa quiero dame elijo escojo prefiero o a os as opção
    resposta quero escolho me dá pra mim الخيار خيار رقم الرقم من فضلك اريد أريد اختار أختار लو سمحت विकल्प नंबर
    नम्बर वाला वाली वाले चाहिए दीजिए दो+ना पर्याय क्रमांक number wala wali wale vala vali vale waala waali
    chahiye vikalp option ji nomor nomer no yang pilihan pilih nombor mau saya aku kak tolong le les choix
    numéro veux je prends s'il vous te plaît svp merci der die das den dem option nummer bitte ich nehme möchte
    will auswahl numara numaralı seçenek lütfen seçiyorum olan istiyorum آپشن نمبر والا والی والے چاہیے অপশন
    নম্বর নাম্বার টা চাই দিন লাগবে number nombor chaguo namba nambari nataka ya wa la cha il lo i gli le opzione
    voglio prendo per favore grazie вариант номер пожалуйста мне давайте хочу 选 選 我要 我选 要 号 chọn số cái tùy thứ
    cho tôi nhé ạ ที่ ข้อ เลือก เอา ครับ ค่ะ po ang yung numero opsyon opsiyon விருப்பம் எண் ఎంపిక నంబర్ વિકલ્પ
    નંબર વાળો વાળી જોઈએ thanks thank you gracias obrigado obrigada شكرا धन्यवाद makasih terima kasih danke
    teşekkürler asante grazie спасибо 谢谢 cảm ơn ขอบคุณ salamat one"""


def _phrases(written: str) -> list[tuple[str, ...]]:
    return [found for entry in written.split() if (found := tokens(entry.replace("+", " ")))]


BY_PHRASE = {phrase: number for number, row in reversed(list(enumerate(NUMBERS, 1))) for phrase in _phrases(row)}
"""Tokens → number; the smaller one where two languages differ."""
BY_PHRASE.update(dict.fromkeys(_phrases(LAST), -1))
AROUND = frozenset(word for phrase in _phrases(BESIDE) for word in phrase)
